"""The café in Django's admin."""

from django.contrib import admin

from cafe.models import Category, Dish, GuestNote, Order, OrderLine


@admin.register(Category)
class CategoryAdmin(admin.ModelAdmin):
    """The admin of the menu's headings."""

    list_display = ("name", "position")
    prepopulated_fields = {"slug": ("name",)}


@admin.register(Dish)
class DishAdmin(admin.ModelAdmin):
    """The admin of the menu."""

    list_display = ("name", "category", "price", "special", "sold_out")
    list_editable = ("price", "special", "sold_out")
    list_filter = ("category", "special")
    prepopulated_fields = {"slug": ("name",)}


class OrderLineInline(admin.TabularInline):
    """The dishes of an order."""

    model = OrderLine
    extra = 0


@admin.register(Order)
class OrderAdmin(admin.ModelAdmin):
    """The admin of orders with their dishes."""

    list_display = ("guest", "placed")
    inlines = (OrderLineInline,)


@admin.register(GuestNote)
class GuestNoteAdmin(admin.ModelAdmin):
    """The admin of the guest book."""

    list_display = ("author", "text", "written")
