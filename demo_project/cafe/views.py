"""Views of the lessons at the counter and at the door, and of two surprises."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.mixins import LoginRequiredMixin
from django.core.cache import cache
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse_lazy
from django.views.decorators.http import require_http_methods, require_safe
from django.views.generic import CreateView, DetailView, FormView, ListView, TemplateView

from cafe.errors import SpilledCoffee
from cafe.forms import NoteForm, OrderForm
from cafe.lessons import PARTS
from cafe.models import Basket, Dish, GuestNote, Order
from cafe.signals import order_placed

RECENT: list[HttpRequest] = []
"""FAULT, on purpose: every request that visits `keeper` stays alive in this list."""

LEFT_BEHIND: list[Basket] = []
"""FAULT, on purpose: baskets that no request uses again."""


class Home(TemplateView):
    """The list of lessons."""

    template_name = "cafe/home.html"
    extra_context = {"parts": PARTS, "on_the_card": Dish.objects.count}


@require_safe
def hello(request: HttpRequest) -> HttpResponse:
    """Returns a short text."""
    return HttpResponse("Good morning. The coffee is on.\n", content_type="text/plain")


class Menu(ListView):
    """The menu, ten dishes a page; the query runs when the template reads it."""

    queryset = Dish.objects.select_related("category")
    template_name = "cafe/menu.html"
    context_object_name = "dishes"
    paginate_by = 10


class DishPage(DetailView):
    """One dish, and the others of its category."""

    model = Dish
    template_name = "cafe/dish.html"
    context_object_name = "dish"


@require_safe
def specials(request: HttpRequest) -> HttpResponse:
    """Shows the blackboard; its query runs only if the template's fragment is not cached."""
    dishes = Dish.objects.filter(special=True)
    return render(request, "cafe/specials.html", {"dishes": dishes})


class GuestBook(CreateView):
    """The guest book: shows the notes and takes a new one."""

    form_class = NoteForm
    template_name = "cafe/guestbook.html"
    success_url = reverse_lazy("guestbook")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Adds the newest notes, and their number from the cache or the database."""
        count = cache.get_or_set("note-count", GuestNote.objects.count, 60)
        return super().get_context_data(notes=GuestNote.objects.all()[:8], count=count, **kwargs)

    def form_valid(self, form: NoteForm) -> HttpResponse:
        """Saves the note and says thank you."""
        messages.success(self.request, "Thank you for your note.")
        return super().form_valid(form)


class SoldOut(Exception):
    """The kitchen has no more of a dish."""


class TakeOrder(FormView):
    """The order form: one transaction for the order, one savepoint for each dish."""

    form_class = OrderForm
    template_name = "cafe/order.html"
    success_url = reverse_lazy("order")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Adds the last orders with their dishes."""
        orders = Order.objects.prefetch_related("lines__dish")[:5]
        return super().get_context_data(orders=orders, **kwargs)

    def form_valid(self, form: OrderForm) -> HttpResponse:
        """Orders the available dishes, and warns of those that are sold out."""
        with transaction.atomic():
            order = Order.objects.create(guest=form.cleaned_data["guest"])
            for dish in form.cleaned_data["dishes"]:
                try:
                    self.add(order, dish)
                except SoldOut:
                    messages.warning(self.request, f"Sorry, no more {dish.name.lower()} today.")
            # The kitchen must not get an order that is rolled back.
            transaction.on_commit(lambda: order_placed.send(sender=Order, order=order))
        messages.success(self.request, f"{order} is on its way.")
        return super().form_valid(form)

    def add(self, order: Order, dish: Dish) -> None:
        """Adds a dish to the order, and rolls that back if it is sold out."""
        with transaction.atomic():
            order.lines.create(dish=dish)
            if dish.sold_out:
                raise SoldOut


@require_http_methods(["GET", "HEAD", "POST"])
def basket(request: HttpRequest) -> HttpResponse:
    """Shows the session's basket. A POST adds a dish to it."""
    picked = Basket.of(request.session)
    if request.method == "POST":
        dish = get_object_or_404(Dish, slug=request.POST.get("dish", ""))
        picked.add(dish.slug)
        picked.save(request.session)
        messages.success(request, f"{dish.name} is in your basket.")
        return redirect("basket")
    context = {
        "lines": list(picked.lines()),
        "total": picked.total(),
        "dishes": Dish.objects.filter(sold_out=False)[:6],
    }
    return render(request, "cafe/basket.html", context)


class Members(LoginRequiredMixin, TemplateView):
    """The page for guests who have logged in; it counts visits in the session."""

    template_name = "cafe/members.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Adds the number of visits of this session."""
        visits = self.request.session.get("visits", 0) + 1
        self.request.session["visits"] = visits
        return super().get_context_data(visits=visits, **kwargs)


@require_safe
def lost(request: HttpRequest) -> HttpResponse:
    """Raises Http404: the dish was never on the menu."""
    raise Http404("A unicorn latte has never been on our menu.")


@require_safe
def spill(request: HttpRequest) -> HttpResponse:
    """Raises an exception that nobody catches."""
    raise SpilledCoffee("All over the counter, as expected.")


@require_http_methods(["GET", "HEAD", "POST"])
def keeper(request: HttpRequest) -> HttpResponse:
    """FAULT, on purpose: appends the request to a list of the module. A POST empties it."""
    if request.method == "POST":
        RECENT.clear()
        messages.success(request, "The list is empty; the requests may die now.")
        return redirect("keeper")
    RECENT.append(request)
    return render(request, "cafe/keeper.html", {"kept": len(RECENT)})


@require_http_methods(["GET", "HEAD", "POST"])
def left_behind(request: HttpRequest) -> HttpResponse:
    """FAULT, on purpose: leaves a basket in a list of the module. A POST clears the table."""
    if request.method == "POST":
        LEFT_BEHIND.clear()
        messages.success(request, "The table is clear; the baskets are gone.")
        return redirect("left-behind")
    forgotten = Basket()
    forgotten.add("croissant")
    LEFT_BEHIND.append(forgotten)
    return render(request, "cafe/left_behind.html", {"kept": len(LEFT_BEHIND)})
