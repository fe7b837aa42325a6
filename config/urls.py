"""Every address of the project: what it includes says the rest."""

from django.contrib import admin
from django.contrib.auth import views as auth
from django.urls import include, path
from django.views.i18n import set_language

from tasks_app.login import LoginForm

handler400 = "config.refused.bad_request"

urlpatterns = [
    path(
        "login/", auth.LoginView.as_view(authentication_form=LoginForm, redirect_authenticated_user=True), name="login"
    ),
    path("logout/", auth.LogoutView.as_view(), name="logout"),
    path("language/", set_language, name="set_language"),
    path("admin/", admin.site.urls),
    path("", include("progress_app.urls")),
    path("", include("tasks_app.urls")),
]
