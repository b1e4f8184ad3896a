"""Pages, forms and sign-in. A view reads the request, calls one function, shows the result."""
