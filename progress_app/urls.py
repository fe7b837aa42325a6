"""The addresses of progress_app; a project includes them at its root."""

from django.urls import path

from progress_app import views

app_name = "progress"
urlpatterns = [
    path("events/", views.events, name="events"),
    path("events/authorize/", views.authorize, name="authorize"),
    path("events/token/", views.token, name="token"),
    path("events/pusher/auth/", views.pusher, name="pusher"),
    path("events/ably/token/", views.ably, name="ably"),
    path("tasks/<uuid:task_id>/snapshot/", views.snapshot, name="snapshot"),
    path("tasks/<uuid:task_id>/widget/", views.widget, name="widget"),
]
