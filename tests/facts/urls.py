"""The small site's addresses. Imported anew by the first request of each test."""

from functools import partial

from django.urls import include, path
from django.views.decorators.cache import cache_page

from tests.facts import site

inner = [path("within/", site.plain, name="inner")]

urlpatterns = [
    path("plain/", site.plain, name="plain"),
    path("step/", site.step),
    path("classy/", site.Classy.as_view()),
    path("headed/", site.Headed.as_view()),
    path("remembering/", site.Remembering.as_view()),
    path("decorated/", site.decorated),
    path("brew/", partial(site.brew, leaf="green")),
    path("page/", site.page),
    path("page/<str:name>", site.page),
    path("late/", site.late),
    path("late/list/", site.late_list),
    path("late/broken/", site.late_and_broken),
    path("text/", site.from_text),
    path("ask/<str:alias>/", site.ask),
    path("transfer/", site.transfer),
    path("transfer/<str:fail>/", site.transfer),
    path("asked-late/", site.asked_late),
    path("count-twice/", site.count_twice),
    path("related/<str:how>/", site.related),
    path("edit/", site.edit),
    path("remember/", site.remember),
    path("cached/", cache_page(60)(site.plain)),
    path("who/", site.who),
    path("visit/", site.visit),
    path("form/", site.form),
    path("form/unread/", site.form, {"valid": False}),
    path("fail/<str:kind>/", site.fail),
    path("stream/", site.stream),
    path("stream/broken/", site.broken_stream),
    path("stream/<str:alias>/", site.stream),
    path("file/", site.file),
    path("async/", site.async_plain),
    path("async/page/", site.async_page),
    path("async/count/", site.async_count),
    path("pool/", site.pool),
    path("background/", site.background),
    path("speak/<str:language>/", site.speak),
    path("spoken/", site.spoken),
    path("collect/<int:generation>/", site.collect),
    path("keep/<str:what>/", site.keep),
    path("listen/", site.listen),
    path("listen/weakly/", site.listen_weakly),
    path("stale/", site.stale),
    path("collecting/", site.collecting),
    path("address/", site.address),
    path("inside/", include(inner)),
]

handler500 = site.error
