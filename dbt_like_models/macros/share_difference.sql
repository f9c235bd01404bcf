-- The difference of two shares with its 95 % interval: Newcombe's hybrid of two Wilson intervals (Statistics in Medicine
-- 17, 1998, method 10). Unlike the plain one it neither collapses where nobody responded nor passes -1 or 1.
{% macro wilson(successes, trials, side) -%}
({{ successes }} / {{ trials }} + 1.920729 / {{ trials }} {{ side }} 1.959964 * sqrt(
    ({{ successes }} / {{ trials }}) * (1 - {{ successes }} / {{ trials }}) / {{ trials }}
    + 0.960365 / ({{ trials }}::double * {{ trials }})
)) / (1 + 3.841459 / {{ trials }})
{%- endmacro %}

{% macro share_difference(name, successes, trials, other_successes, other_trials) -%}
{%- set share, other = successes ~ ' / ' ~ trials, other_successes ~ ' / ' ~ other_trials -%}
case when {{ trials }} > 0 and {{ other_trials }} > 0 then {{ share }} - {{ other }} end as {{ name }},
case when {{ trials }} > 0 and {{ other_trials }} > 0 then greatest(-1, {{ share }} - {{ other }} - sqrt(
    power({{ share }} - {{ wilson(successes, trials, '-') }}, 2)
    + power({{ wilson(other_successes, other_trials, '+') }} - {{ other }}, 2)
)) end as {{ name }}_low,
case when {{ trials }} > 0 and {{ other_trials }} > 0 then least(1, {{ share }} - {{ other }} + sqrt(
    power({{ wilson(successes, trials, '+') }} - {{ share }}, 2)
    + power({{ other }} - {{ wilson(other_successes, other_trials, '-') }}, 2)
)) end as {{ name }}_high
{%- endmacro %}
