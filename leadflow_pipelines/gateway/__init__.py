"""The web's way in: webhooks of messengers, tracked links, one-click unsubscribe.

Here: HTTP, who may say what, what is answered. Not here: what follows from it (`outreach`). It knows no Dagster and no
lake, so that it starts at once and has little to attack. `app.create_app` makes it.
"""
