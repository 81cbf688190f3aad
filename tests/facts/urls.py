"""The small site's addresses. Imported anew by the first request of each test."""

from functools import partial

from django.urls import include, path
from django.views.decorators.cache import cache_page

from tests.facts import data_views, lasting_views, site

inner = [path("within/", site.plain, name="inner")]

urlpatterns = [
    path("plain/", site.plain, name="plain"),
    path("step/", site.step),
    path("classy/", site.Classy.as_view()),
    path("headed/", site.Headed.as_view()),
    path("remembering/", site.Remembering.as_view()),
    path("decorated/", site.decorated),
    path("brew/", partial(site.brew, leaf="green")),
    path("page/", data_views.page),
    path("page/<str:name>", data_views.page),
    path("late/", data_views.late),
    path("late/list/", data_views.late_list),
    path("late/broken/", data_views.late_and_broken),
    path("text/", data_views.from_text),
    path("ask/<str:alias>/", data_views.ask),
    path("transfer/", data_views.transfer),
    path("transfer/<str:fail>/", data_views.transfer),
    path("asked-late/", data_views.asked_late),
    path("count-twice/", data_views.count_twice),
    path("related/<str:how>/", data_views.related),
    path("edit/", data_views.edit),
    path("remember/", data_views.remember),
    path("cached/", cache_page(60)(site.plain)),
    path("who/", site.who),
    path("visit/", site.visit),
    path("form/", site.form),
    path("form/unread/", site.form, {"valid": False}),
    path("fail/<str:kind>/", site.fail),
    path("stream/", data_views.stream),
    path("stream/async/", data_views.async_stream),
    path("stream/broken/", data_views.broken_stream),
    path("stream/<str:alias>/", data_views.stream),
    path("file/", data_views.file),
    path("async/", site.async_plain),
    path("async/page/", site.async_page),
    path("async/count/", site.async_count),
    path("pool/", data_views.pool),
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
    path("singleton/", lasting_views.singleton),
    path("lent/", lasting_views.pool),
    path("own-of-thread/", lasting_views.own_of_thread),
    path("memo/<str:name>/", lasting_views.memo),
    path("newest/", lasting_views.newest),
    path("newest-of-thread/", lasting_views.newest_of_thread),
    path("in-context/", lasting_views.in_context),
    path("imports/", lasting_views.imports),
    path("buffer/", lasting_views.buffer),
    path("let-go/", lasting_views.let_go),
    path("shelf/", lasting_views.shelf),
    path("admin/", lasting_views.admin),
    path("caught/", lasting_views.caught),
    path("unfinished/", lasting_views.unfinished),
    path("inside/", include(inner)),
]

handler500 = site.error
