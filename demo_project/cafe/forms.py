"""The forms that guests fill in."""

from django import forms

from cafe.models import Dish, GuestNote


class NoteForm(forms.ModelForm):
    """A line for the guest book."""

    class Meta:
        model = GuestNote
        fields = ("author", "text")
        widgets = {"text": forms.TextInput()}


class OrderForm(forms.Form):
    """A guest's name and what they would like."""

    guest = forms.CharField(max_length=40, initial="You")
    dishes = forms.ModelMultipleChoiceField(
        Dish.objects.all(), to_field_name="slug", widget=forms.CheckboxSelectMultiple
    )
