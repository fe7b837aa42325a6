"""The addresses of the product."""

from django.urls import path

from tasks_app import views

app_name = "tasks"
urlpatterns = [
    path("", views.catalogue, name="catalogue"),
    path("jobs/<str:name>/", views.start, name="start"),
    path("tasks/", views.task_list, name="list"),
    path("tasks/<uuid:task_id>/", views.detail, name="detail"),
    path("tasks/<uuid:task_id>/cancel/", views.cancel, name="cancel"),
    path("tasks/<uuid:task_id>/retry/", views.retry, name="retry"),
    path("tasks/<uuid:task_id>/files/<int:file_id>/<str:name>", views.file, name="file"),
    path("health/", views.health, name="health"),
]
