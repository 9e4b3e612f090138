{% macro exact_summary(column, lately) -%}
    {#-
        Count, mean, deviation, extremes and the mean of the rows that are `lately`, as columns of a group.

        Sums of doubles depend on the order of rows, which two builds do not share; sums of whole ten-thousandths do
        not. The contract bounds sensors by 100,000, so a square fits a bigint (1e18) and its sum a hugeint.
    -#}
    {%- set whole = "cast(" ~ column ~ " * 10000 as bigint)" -%}
    count({{ column }}) as {{ column }}_count,
        sum({{ whole }}) / count({{ column }}) / 10000 as {{ column }}_mean,
        sqrt(
            (count({{ column }}) * sum({{ whole }} * {{ whole }}) - sum({{ whole }}) * sum({{ whole }}))
            / nullif(count({{ column }}) * (count({{ column }}) - 1), 0)
        ) / 10000 as {{ column }}_sd,
        min({{ column }}) as {{ column }}_min,
        max({{ column }}) as {{ column }}_max,
        sum({{ whole }}) filter ({{ lately }}) / count({{ column }}) filter ({{ lately }}) / 10000 as {{ column }}_mean_3h
{%- endmacro %}
