/** The HTTP surface: predictions by Vertex AI's contract, health, and which model answers. */
import { finished } from "node:stream/promises";
import fastify, { LogController, type FastifyInstance, type FastifyReply, type FastifyServerOptions } from "fastify";
import { PROBLEMS_LISTED, type Model, type Problem } from "./model";
import type { Answering, Models } from "./models";
import { openApi } from "./openapi";
import type { Settings } from "./settings";

/** Vertex AI's own limit of a prediction request. */
const LARGEST_BODY = 1_500_000;
const TOO_LARGE = 413;

export interface Deps {
  settings: Pick<Settings, "predictRoute" | "healthRoute">;
  models: Models;
  logger?: FastifyServerOptions["logger"];
}

export function serverOf({ settings, models, logger = false }: Deps): FastifyInstance {
  const app = fastify({
    logger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: LARGEST_BODY,
    // A request that comes while the process ends is answered, on a connection that is then closed.
    return503OnClosing: false,
    forceCloseConnections: "idle",
  });
  refuseInGooglesForm(app);
  for (const route of new Set([settings.predictRoute, "/v1/predict"])) {
    app.post(route, ({ body }, reply) => {
      const answer = ({ model }: Answering) => predict(model, body, reply);
      return models.current ? answer(models.current) : withFirst(models, reply, answer);
    });
  }
  for (const route of new Set([settings.healthRoute, "/healthz"])) {
    app.get(route, () => ({ status: "ok", model_version: models.current?.model.about.version }));
  }
  app.get("/v1/model", (_, reply) => {
    const answer = ({ model: { about, inputs }, pointer }: Answering) =>
      reply.send({ ...about, inputs, champion: pointer, newer_model_refused: models.problem });
    return models.current ? answer(models.current) : withFirst(models, reply, answer);
  });
  const document = openApi();
  app.get("/openapi.json", () => document);
  return app;
}

/** The first champion may have come since the last look: whoever needs one looks again before it is refused. */
async function withFirst(
  models: Models,
  reply: FastifyReply,
  answer: (found: Answering) => FastifyReply,
): Promise<FastifyReply> {
  await models.look();
  return models.current ? answer(models.current) : refuse(reply, 503, "UNAVAILABLE", models.problem ?? "No model yet.");
}

function predict(model: Model, body: unknown, reply: FastifyReply): FastifyReply {
  const { instances, ...others } = (isObject(body) ? body : {}) as Record<string, unknown>;
  if (!Array.isArray(instances) || instances.length === 0 || hasContent(others)) {
    const expected = '{"instances": [{...}, ...]} with at least one instance and nothing else';
    return refuse(reply, 400, "INVALID_ARGUMENT", `body: got ${shownBody(body)}; expected ${expected}.`);
  }
  const answer = model.predict(instances);
  if ("predictions" in answer) return reply.send(answer);
  return refuse(reply, 400, "INVALID_ARGUMENT", summaryOf(answer.total, answer.problems.length), answer.problems);
}

const isObject = (body: unknown): body is object => typeof body === "object" && body !== null && !Array.isArray(body);

/** What came in place of instances, in a few words. */
function shownBody(body: unknown): string {
  if (body === undefined || body === null) return "nothing";
  if (!isObject(body)) return Array.isArray(body) ? "a list" : `a ${typeof body}`;
  if ("instances" in body && Array.isArray(body.instances) && body.instances.length === 0) return "no instance";
  return Object.keys(body).join(", ") || "nothing";
}

function refuseInGooglesForm(app: FastifyInstance): void {
  app.setNotFoundHandler(({ method, url }, reply) =>
    refuse(reply, 404, "NOT_FOUND", `${method} ${url}: no such path. GET /openapi.json lists them.`),
  );
  app.setErrorHandler(async (error: Error & { statusCode?: number }, request, reply) => {
    const code = error.statusCode ?? 500;
    const expected =
      code === TOO_LARGE
        ? `expected at most ${LARGEST_BODY} bytes`
        : "expected JSON with Content-Type application/json";
    // A connection that is closed before all has been read may take the answer with it.
    if (code === TOO_LARGE) await finished(request.raw.resume()).catch(() => undefined);
    if (code < 500) return refuse(reply, code, "INVALID_ARGUMENT", `body: ${error.message}; ${expected}.`);
    request.log.error(error);
    return refuse(reply, code, "INTERNAL", "Internal error.");
  });
}

/** Vertex AI may send empty `parameters`; this model has none. */
function hasContent({ parameters, ...unknown }: Readonly<Record<string, unknown>>): boolean {
  return Object.keys(unknown).length > 0 || Object.keys(parameters ?? {}).length > 0;
}

function summaryOf(total: number, listed: number): string {
  return `${total} problem${total === 1 ? "" : "s"} in the instances${listed < total ? `, of which the first ${PROBLEMS_LISTED} are listed` : ""}; nothing was predicted.`;
}

/** Google's own form of an error. */
function refuse(
  reply: FastifyReply,
  code: number,
  status: string,
  message: string,
  problems: readonly Problem[] = [],
): FastifyReply {
  const details =
    problems.length > 0 ? [{ "@type": "type.googleapis.com/google.rpc.BadRequest", fieldViolations: problems }] : [];
  return reply.code(code).send({ error: { code, message, status, details } });
}
