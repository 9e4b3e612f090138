{#- Three bands of a score; empty when there is no score. -#}
{%- macro band(score, high, medium, names=('high', 'medium', 'low')) -%}
case
        when {{ score }} >= {{ high }} then '{{ names[0] }}'
        when {{ score }} >= {{ medium }} then '{{ names[1] }}'
        when {{ score }} is not null then '{{ names[2] }}'
    end
{%- endmacro -%}
