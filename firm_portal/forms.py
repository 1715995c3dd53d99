"""How forms look: one renderer for all of them, allauth's included (setting FORM_RENDERER)."""

from django.forms.renderers import TemplatesSetting


class PortalRenderer(TemplatesSetting):
    """Renders `{{ form }}` with the templates under `templates/django/forms/`."""

    form_template_name = "django/forms/form.html"
    field_template_name = "django/forms/field.html"
