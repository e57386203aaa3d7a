/** For tests of the provider: a Google that answers from a table and records what it was asked. */
import { expect } from "@jest/globals";
import type { Properties } from "../values";
import { GoogleError, type GoogleHttp, type GoogleRequest } from "./http";
import { gcpPackage } from "./provider";

export const URN = "urn:pulumi:test::p::gcp:m:T::thing";
export const LABELS = { "goog-terraform-provisioned": "true" };

/** A Google that answers from a table by `METHOD path` and records what it was asked. */
export function google(answers: Record<string, Properties | undefined>) {
  const asked: string[] = [];
  const bodies: Properties[] = [];
  const call = async ({ method, url, body, query }: GoogleRequest): Promise<Properties> => {
    const { host, pathname } = new URL(url);
    const line = `${method} ${host}${decodeURIComponent(pathname)}`;
    const words = Object.entries(query ?? {}).map(([key, value]) => `${key}=${value}`);
    asked.push([line, ...words].join(" "));
    if (body) bodies.push(body);
    const answer = answers[line] ?? answers[method];
    if (answer === undefined) throw new GoogleError(404, `${line}: 404`);
    return answer;
  };
  const absent = async (request: GoogleRequest) =>
    call(request).catch((error: unknown) => {
      if (error instanceof GoogleError && error.code === 404) return undefined;
      throw error;
    });
  const http: GoogleHttp = {
    call,
    find: (url, query) => absent({ method: "GET", url, query }),
    remove: (url, query) => absent({ method: "DELETE", url, query }),
    wait: async (operation) => (operation.response ?? {}) as Properties,
  };
  const provider = gcpPackage({}, () => http).configure({ project: "lab-p", region: "us-central1" }, "/tmp");
  return { provider, asked, bodies };
}

export const make = async (
  type: string,
  inputs: Properties,
  answers: Record<string, Properties | undefined> = { POST: {}, PUT: {}, GET: {}, PATCH: {} },
) => {
  const { provider, asked, bodies } = google(answers);
  const checked = provider.check(type, URN, inputs, undefined);
  expect(checked.failures).toEqual([]);
  return { ...(await provider.create(type, checked.inputs, {})), asked, bodies, inputs: checked.inputs };
};
