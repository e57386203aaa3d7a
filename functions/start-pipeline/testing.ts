/** For tests: the function behind its own framework, with Google's services answered from a table. */
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { http } from "@google-cloud/functions-framework";
import { getTestServer } from "@google-cloud/functions-framework/testing";
import { googleClient, type Transport } from "./google";
import { onRequest, type Deps } from "./handler";
import { parseSettings } from "./settings";

export const SETTINGS = {
  PROJECT: "lab",
  REGION: "us-central1",
  PIPELINE_SPEC: "gs://lab-pipelines/specs/churn_training.json",
  PIPELINE_SUBMISSIONS: "gs://lab-pipelines/submissions",
  PIPELINE_ROOT: "gs://lab-pipelines/root",
  PIPELINE_ACCOUNT: "runner@lab.iam.gserviceaccount.com",
  PIPELINE_PARAMETERS: JSON.stringify({ dataset: "lab.churn", threshold: "0.6", other: "for another pipeline" }),
};
export const SPEC = {
  pipelineInfo: { name: "churn-training" },
  schemaVersion: "2.1.0",
  deploymentSpec: { executors: {} },
  root: {
    dag: { tasks: {} },
    inputDefinitions: {
      parameters: {
        dataset: { parameterType: "STRING" },
        pipeline_id: { parameterType: "STRING" },
        execution_time: { parameterType: "STRING" },
        threshold: { parameterType: "NUMBER_DOUBLE", defaultValue: 0.5 },
      },
    },
  },
};

export interface Reply {
  status: number;
  data?: unknown;
  headers?: Record<string, string>;
}

export interface Answer {
  status: number;
  retryAfter: string | null;
  /** An object where it is JSON. */
  body: unknown;
}

export interface Scene {
  /** What Google's services were asked. */
  sent: { method: string; url: string; body: string | undefined }[];
  logged: Record<string, unknown>[];
  /** Answers by a part of the URL, one after the other; the last goes on. */
  replies: Record<string, Reply[]>;
  /** Read by every request anew. */
  settings: Record<string, string>;
  deps: () => Deps;
  call: (body?: unknown, headers?: Record<string, string>, method?: string) => Promise<Answer>;
  close: () => Promise<void>;
}

/** A function that is ready to be called. */
export async function openScene(): Promise<Scene> {
  const sent: Scene["sent"] = [];
  const logged: Scene["logged"] = [];
  const settings = { ...SETTINGS };
  const replies: Scene["replies"] = {
    "/o/": [{ status: 200, data: JSON.stringify(SPEC) }],
    upload: [{ status: 200 }],
    aiplatform: [{ status: 200 }],
  };
  const transport: Transport = async ({ method, url, body }) => {
    sent.push({ method, url, body });
    const [, queue] = Object.entries(replies).find(([part]) => url.includes(part))!;
    const { status, data = "{}", headers = {} } = queue.length > 1 ? queue.shift()! : queue[0]!;
    return { status, data, headers: new Headers(headers) };
  };
  const deps = () => ({
    settings: parseSettings(settings),
    send: googleClient(transport, [1, 1]),
    now: () => new Date("2026-11-21T15:00:00Z"),
    log: (entry: Record<string, unknown>) => void logged.push(entry),
  });
  http("test", onRequest(deps));
  const server = getTestServer("test");
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { sent, logged, replies, settings, deps, call: callerOf(server), close: () => closed(server) };
}

function callerOf(server: Server): Scene["call"] {
  const { port } = server.address() as AddressInfo;
  return async (body, headers = {}, method = "POST") => {
    const text = body === undefined ? undefined : typeof body === "string" ? body : JSON.stringify(body);
    const init = {
      method,
      headers: { ...(text && { "content-type": "application/json" }), ...headers },
      ...(text && { body: text }),
    };
    const response = await fetch(`http://127.0.0.1:${port}/`, init);
    const answer = await response.text();
    return { status: response.status, retryAfter: response.headers.get("retry-after"), body: parse(answer) };
  };
}

const parse = (text: string): unknown => (text.startsWith("{") ? JSON.parse(text) : text);

const closed = (server: Server) =>
  new Promise<void>((resolve, reject) => server.close((error) => (error ? reject(error) : resolve())));
