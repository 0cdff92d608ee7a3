"""How often gradcheck accuses right code or passes wrong code, over random components, shapes and scales."""
