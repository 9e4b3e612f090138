// A file of its own, because the content security policy allows no script inside the page.
const ADDRESS = "/docs/openapi-3.0.json";
const PAUSE_MS = 1000;

/** The document. It is made when first asked for, which takes longer than one request may on a busy machine. */
async function made() {
  for (;;) {
    const answer = await fetch(ADDRESS);
    if (answer.status !== 503 && answer.status !== 504) {
      return answer.ok ? answer.json() : undefined;
    }
    await new Promise((done) => setTimeout(done, PAUSE_MS));
  }
}

made().then((spec) =>
  SwaggerUIBundle({
    spec,
    url: ADDRESS,
    dom_id: "#swagger-ui",
    deepLinking: true,
    persistAuthorization: true,
    requestInterceptor: (request) => {
      request.headers["X-Requested-With"] = "docs"; // calls with the log-in cookie need it
      return request;
    },
  }),
);
