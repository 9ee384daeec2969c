"""What each experiment found, in one plain sentence: templates over the numbers of its finding, see `findings.render`."""

ANSWERS = {
    "batch_modes": """{% set ends = modes | sort(attribute="loss") %}
At equal examples {{ ends[0].name }} end lowest and {{ ends[-1].name }} highest
{%- if longer %}; with {{ longer.epochs / longer.mini_epochs }} times the epochs the full batch
{{ {"higher": "still ends above the mini-batch", "lower": "ends below the mini-batch"}.get(
longer.difference.change, "is not told apart from the mini-batch") }}{% endif %}.""",
    "clipping": """Clipping the gradient
{% if clipped.safe > free.safe %}lets learning rates finish that are {{ clipped.safe / free.safe }} times larger
{% else %}lets no larger learning rate finish{% endif %}, and the lowest loss is reached
{{ "without it" if lowest.clip_norm is none else "with it" }}.""",
    "conditioning": """Gradient descent needs as many steps as theory says, in proportion to the condition number; Adam
{% set axis = adam[0].rows %}{% if axis[0].steps == axis[-1].steps %}does not notice it where the valley lies along the axes
{% else %}needs more too{% endif %}{% if adam[1].rows[-1].steps is none or adam[1].rows[-1].steps > adam[1].rows[0].steps %}, and
does where the valley is rotated{% endif %}.""",
    "edge_of_stability": """Sharpness {% set at = rates | selectattr("edge", "equalto", "at") | list %}
{% if at %}rises to 2/lr and stays there at {{ at | length }} of {{ rates | length }} learning rates, while the loss falls
{% else %}stays at 2/lr at none of the {{ rates | length }} learning rates{% endif %}.""",
    "feature_scaling": """{% set top = limits | map(attribute="curvature") | max %}
{% set low = limits | map(attribute="curvature") | min %}
The scale of the inputs moves the largest stable learning rate by a factor of {{ top / low }}, and scaling by {{ best }} ends
lowest.""",
    "generalization_gap": """At equal examples batches of {{ large.size }} end
{{ {"higher": "with a higher validation loss than", "lower": "with a lower validation loss than"}.get(
loss.change, "like") }} batches of {{ small.size }}; at equal training loss
{{ "they do not" if equal.change == "unclear" else "they differ, too" }}: {{ "they had come less far" if equal.change == "unclear"
else "they generalise " ~ ("worse" if equal.change == "higher" else "better") }}.""",
    "gradient_check": """{{ "Yes: one step changes the loss by what the gradients predict, by hand and by autograd alike" if right
else "Not shown: one step changes the loss otherwise than the gradients predict" }}.""",
    "gradient_noise": """The variance of a gradient is proportional to B to the power of {{ power }}; at a constant learning
rate the noise is a floor, and the average of the weights ends {{ constant / average }} times below it.""",
    "initialisation": """With {{ deepest }} hidden layers the gradient that reaches the first layer is
{{ shares[0].share }} ({{ shares[0].name }}) to {{ shares[-1].share }} ({{ shares[-1].name }}) of that of the last: below a tenth
with {{ shares | selectattr("share", "lt", 0.1) | list | length }} of {{ shares | length }} starts.""",
    "learning_rate": """{% if best and turn %}The best constant learning rate is {{ best.lr }}, one range test suggests
{{ turn }}; {% endif %}{% if quadratic %}on the quadratic the loss {{ "rises above 2/L and nowhere below"
if not quadratic.exceptions else "does not keep to 2/L" }}{% endif %}.""",
    "momentum": """{% if best.momentum %}Momentum {{ best.momentum }} ends {{ without / best.gap }} times lower than none, and too
much of it, {{ largest.momentum }}, {{ largest.gap / without }} times {{ "higher" if largest.gap > without else "as high" }}
{% else %}No momentum helps here{% endif %}.""",
    "nielsen_chapter_1": """Of the book's learning rates {{ best }} learns, with a test accuracy of
{% for row in rates if row.lr == best %}{{ row.test | percent }}{% endfor %} on {{ dataset }}; the others are too low and too
high.""",
    "optimizers": """At tuned learning rates
{% if better %}{{ better | listed }} end lower than {{ first }}{% else %}{{ first }} ends lowest{% endif %}
{%- if equal %}, not told apart from {{ equal | listed }}{% endif %}
{%- if worse %}; {{ worse | listed }} end higher{% endif %}.""",
    "overfitting": """{% for row in shares %}
{{ "With" if loop.first else "with" }} {{ row.noise | percent }} of the labels wrong
training on {{ {"higher": "raises", "lower": "lowers"}.get(row.loss.change, "does not clearly change") }} the
validation loss{{ "; " if not loop.last }}{% endfor %}.""",
    "schedules": """{% if tested %}{% set even = others | selectattr("winner", "none") | map(attribute="name") | list %}
{{ best.name }} is {% if even %}not told apart from {{ even | listed }}{% else %}ahead of all{% endif %}
{% set worse = others | selectattr("winner", "equalto", "best") | map(attribute="name") | list %}
{%- if worse %}; {{ worse | listed }} end higher{% endif %}{% else %}{{ best.name }} ends lowest, and it takes {{ needed }} seeds
to test that{% endif %}.""",
    "surfaces": """{% for surface in surfaces %}
{{ "On" if loop.first else "on" }} {{ surface.name }} {{ surface.optimizers[0].name }} reaches the minimum first
{{- "; " if not loop.last }}{% endfor %}{% if saddle %}; at the saddle {{ saddle[0].name }} stays longest{% endif %}.""",
    "weight_decay": """For SGD both kinds of decay are {{ "two things" if sgd.differ else "one thing" }}, for Adam they
{{ "differ" if adam.differ else "do not differ" }}{% set helped = changes | selectattr("metric", "equalto", "validation accuracy")
| selectattr("difference.change", "equalto", "higher") | map(attribute="kind") | list %}
{%- if helped %}; validation accuracy rises with {{ helped | listed }} decay{% endif %}.""",
}
