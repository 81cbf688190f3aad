"""URLs of the café."""

from functools import partial

from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path

from cafe import kitchen, surprises, views

urlpatterns = [
    path("", views.Home.as_view(), name="home"),
    # At the counter
    path("hello/", views.hello, name="hello"),
    path("menu/", views.Menu.as_view(), name="menu"),
    path("menu/<slug:slug>/", views.DishPage.as_view(), name="dish"),
    path("specials/", views.specials, name="specials"),
    path("guestbook/", views.GuestBook.as_view(), name="guestbook"),
    path("order/", views.TakeOrder.as_view(), name="order"),
    path("basket/", views.basket, name="basket"),
    # In the kitchen
    path("bell/", kitchen.bell, name="bell"),
    path("tea/", partial(kitchen.brew, leaf="black"), name="tea"),
    path("tea/green/", partial(kitchen.brew, leaf="green"), name="tea-green"),
    path("menu.json", kitchen.menu_json, name="menu-json"),
    path("menu.csv", kitchen.menu_csv, name="menu-csv"),
    path("async/", kitchen.async_kitchen, name="async"),
    path("shelf/", kitchen.shelf, name="shelf"),
    path("archive/", kitchen.Archive.as_view(), name="archive"),
    # At the door
    path("members/", views.Members.as_view(), name="members"),
    path("log-in/", LoginView.as_view(template_name="cafe/login.html"), name="login"),
    path("log-out/", LogoutView.as_view(), name="logout"),
    path("lost/", views.lost, name="lost"),
    path("spill/", views.spill, name="spill"),
    # Classic surprises
    path("surprises/counter/", surprises.counter, name="counter"),
    path("surprises/keeper/", views.keeper, name="keeper"),
    path("surprises/left-behind/", views.left_behind, name="left-behind"),
    path("surprises/last-guest/", surprises.last_guest, name="last-guest"),
    path("surprises/slow-cooker/", surprises.slow_cooker, name="slow-cooker"),
    path("surprises/language/", surprises.language, name="language"),
]
