// A file of its own, because the content security policy allows no script inside the page.
SwaggerUIBundle({
  url: "/docs/openapi-3.0.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  persistAuthorization: true,
  requestInterceptor: (request) => {
    request.headers["X-Requested-With"] = "docs"; // calls with the log-in cookie need it
    return request;
  },
});
