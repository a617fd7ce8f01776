from django.urls import path

from marketing.shop import views

urlpatterns = [
    path("", views.home, name="home"),
    path("product/<str:sku>/", views.product, name="product"),
    path("product/<str:sku>/dislike/", views.dislike, name="product-dislike"),
    path("product/<str:sku>/dislike/undo/", views.take_back, name="product-dislike-undo"),
    path("shop/image/<str:sku>.svg", views.image, name="product-image"),
    path("pictures/<slug:name>.jpg", views.kept_picture, name="kept-picture"),
    path("offer/<uuid:decision>/", views.offer, name="offer"),
    path("cart/", views.cart, name="cart"),
    path("cart/add/<str:sku>/", views.add, name="cart-add"),
    path("cart/remove/<str:sku>/", views.remove, name="cart-remove"),
    path("cart/order/", views.check_out, name="cart-order"),
]
