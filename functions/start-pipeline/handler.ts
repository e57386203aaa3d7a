/** Starts a run: reads the compiled pipeline, keeps what is submitted, submits it; a repeated order is the same run. */
import type { CloudEvent, Request, Response } from "@google-cloud/functions-framework";
import { type Send, UpstreamError } from "./google";
import { LARGEST_ORDER, OrderError, parseOrder } from "./order";
import { submissionOf } from "./run";
import { type Settings, SettingsError } from "./settings";
import { parseSpec, SpecError } from "./spec";

export interface Deps {
  settings: Settings;
  send: Send;
  now: () => Date;
  log: (entry: Record<string, unknown>) => void;
}

export interface Started {
  id: string;
  /** Resource name of the pipeline job. */
  job: string;
  /** Page of the run in Google Cloud's console. */
  link: string;
  /** Where the exact submitted job is kept. */
  submission: string;
}

const STORAGE = "https://storage.googleapis.com";

/** @param deps made when they are needed, so that wrong settings are an answer and not a crash */
export const onRequest = (deps: () => Deps) => async (request: Request, response: Response) => {
  const trace = traceOf(request);
  try {
    if (!["GET", "POST"].includes(request.method)) {
      response
        .set("allow", "GET, POST")
        .status(405)
        .json({ error: { message: `got ${request.method}; expected POST.` } });
      return;
    }
    if ((request.rawBody?.length ?? 0) > LARGEST_ORDER) {
      const message = `body: got ${request.rawBody?.length} bytes; expected at most ${LARGEST_ORDER}.`;
      response.status(413).json({ error: { message, problems: [message] } });
      return;
    }
    response
      .status(202)
      .json(await start(request.rawBody?.length ? request.body : undefined, dueTime(request), deps(), trace));
  } catch (error) {
    const { status, body, headers } = refusal(error);
    logOf(deps)({
      severity: status < 500 ? "WARNING" : "ERROR",
      message: body.error.message,
      status,
      ...traceField(deps, trace),
    });
    response.set(headers).status(status).json(body);
  }
};

/** An event that cannot be followed is not delivered again for that; a failure of a service makes it come again. */
export const onEvent = (deps: () => Deps) => async (event: CloudEvent<unknown>) => {
  try {
    const data = event.data as { message?: unknown } | undefined;
    await start(data, new Date(event.time ?? deps().now()), deps(), undefined);
  } catch (error) {
    const { status, body } = refusal(error);
    logOf(deps)({ severity: "ERROR", message: body.error.message, status, event: event.id });
    if (!(error instanceof OrderError)) throw error;
  }
};

async function start(body: unknown, time: Date | undefined, deps: Deps, trace: string | undefined): Promise<Started> {
  const { settings, send, log, now } = deps;
  const order = parseOrder(body, time ?? now());
  const text = (await send({ url: objectUrl(settings.spec), method: "GET" })).text;
  const { id, job } = submissionOf(parseSpec(text, settings.spec), order, settings);
  const submission = `${settings.submissions}/${id}.json`;
  const content = JSON.stringify(job);
  // Kept before it is submitted; 412: kept by an earlier try, the same bytes.
  await send({ url: uploadUrl(submission), method: "POST", body: content, accepts: [412] });
  const parent = `projects/${settings.project}/locations/${settings.region}`;
  const url = `https://${settings.region}-aiplatform.googleapis.com/v1/${parent}/pipelineJobs?pipelineJobId=${id}`;
  const { status } = await send({ url, method: "POST", body: content, accepts: [409] });
  log({
    severity: "INFO",
    message: status === 409 ? `Pipeline run ${id} is there already` : `Pipeline run ${id} started`,
    id,
    date: order.date,
    ...(trace && { "logging.googleapis.com/trace": `projects/${settings.project}/traces/${trace}` }),
  });
  const page = `https://console.cloud.google.com/vertex-ai/locations/${settings.region}/pipelines/runs/${id}`;
  return { id, job: `${parent}/pipelineJobs/${id}`, link: `${page}?project=${settings.project}`, submission };
}

function refusal(error: unknown): {
  status: number;
  body: { error: { message: string; problems?: readonly string[] } };
  headers: Record<string, string>;
} {
  const told = (status: number, message: string, headers = {}) => ({ status, body: { error: { message } }, headers });
  if (error instanceof OrderError)
    return { status: 400, body: { error: { message: error.message, problems: error.problems } }, headers: {} };
  if (error instanceof SpecError || error instanceof SettingsError) return told(500, error.message);
  if (!(error instanceof UpstreamError)) return told(500, "Internal error; the log has it.");
  if (error.status === 429) return told(429, error.message, { "retry-after": error.retryAfter ?? "60" });
  if ([403, 404].includes(error.status)) return told(error.status, error.message);
  // Anything else that a service refuses is not the caller's doing.
  return error.status >= 500
    ? told(503, error.message, { "retry-after": error.retryAfter ?? "30" })
    : told(502, error.message);
}

/** When the caller's own clock says that this was due: the same for every retry of a delivery. */
function dueTime(request: Request): Date | undefined {
  const { message } = (request.body ?? {}) as { message?: { publishTime?: string } };
  const text = request.get("x-cloudscheduler-scheduletime") ?? message?.publishTime;
  const time = text === undefined ? undefined : new Date(text);
  return time && !Number.isNaN(time.getTime()) ? time : undefined;
}

/** Trace id of the request: W3C's header, or Google's older one. */
function traceOf(request: Request): string | undefined {
  return (
    /^[0-9a-f]{2}-([0-9a-f]{32})-/.exec(request.get("traceparent") ?? "")?.[1] ??
    /^([0-9a-f]{32})/.exec(request.get("x-cloud-trace-context") ?? "")?.[1]
  );
}

function traceField(deps: () => Deps, trace: string | undefined): Record<string, unknown> {
  if (!trace) return {};
  try {
    return { "logging.googleapis.com/trace": `projects/${deps().settings.project}/traces/${trace}` };
  } catch {
    return {}; // Without settings there is no project to name.
  }
}

/** The log that works without settings, too. */
function logOf(deps: () => Deps): Deps["log"] {
  try {
    return deps().log;
  } catch {
    return (entry) => void process.stdout.write(`${JSON.stringify(entry)}\n`);
  }
}

function objectUrl(uri: string): string {
  const [, bucket = "", object = ""] = /^gs:\/\/([^/]+)\/(.+)$/.exec(uri) ?? [];
  return `${STORAGE}/storage/v1/b/${bucket}/o/${encodeURIComponent(object)}?alt=media`;
}

function uploadUrl(uri: string): string {
  const [, bucket = "", object = ""] = /^gs:\/\/([^/]+)\/(.+)$/.exec(uri) ?? [];
  return `${STORAGE}/upload/storage/v1/b/${bucket}/o?uploadType=media&ifGenerationMatch=0&name=${encodeURIComponent(object)}`;
}
