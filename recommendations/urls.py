from django.urls import path

from recommendations import api

LISTS = "api/v1/recommendations/"

urlpatterns = [
    path(LISTS, api.RecommendationsView.as_view(), name="api-recommendations"),
    # What belongs to lists is found beside them and below them.
    *(
        path(f"{base}{route}", view.as_view(), name=name)
        for base in (LISTS, "api/v1/")
        for route, view, name in (
            ("similar/", api.SimilarView, "api-similar"),
            ("impressions/<int:pk>/click/", api.ClickView, "api-impression-click"),
            ("impressions/<int:pk>/dislike/", api.DislikeView, "api-impression-dislike"),
        )
    ),
]
