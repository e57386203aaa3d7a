/** For tests: what a change of one resource is told as, and the requests that it is made by. */
import type { Properties } from "../values";
import type { GoogleHttp, GoogleRequest } from "./http";
import { gcpPackage } from "./provider";

const URN = "urn:pulumi:test::p::gcp:m:T::thing";
export const REGION = "projects/lab-p/locations/us-central1";

export function recording() {
  const asked: string[] = [];
  const call = async ({ method, url, query }: GoogleRequest): Promise<Properties> => {
    // The official provider names whole blocks, this one what changed inside: with the whole block sent, the same change.
    const blocks = new Set(query?.updateMask?.split(",").map((path) => path.split(".")[0]!));
    const mask = blocks.size > 0 ? ` ${[...blocks].join(",")}` : "";
    if (method !== "GET") asked.push(`${method} ${decodeURIComponent(new URL(url).pathname)}${mask}`);
    return { name: "x", status: "DONE", state: "ACTIVE" };
  };
  const find = (url: string) => call({ method: "GET", url });
  const http: GoogleHttp = { call, find, remove: find, wait: async () => ({}) };
  return { asked, provider: gcpPackage({}, () => http).configure({ project: "lab-p", region: "us-central1" }, "/tmp") };
}

export const changesOf = (type: string, before: Properties, change: Properties) => {
  const { provider, asked } = recording();
  const [inputs, news] = [before, { ...before, ...change }].map(
    (all) => provider.check(type, URN, all, undefined).inputs,
  );
  const { changes } = provider.diff(type, { id: "x", inputs: inputs!, outputs: {} }, news!);
  const update = () => provider.update(type, { id: "x", inputs: inputs!, outputs: { name: "x" } }, news!, {});
  return { told: changes.map(({ path, replaces }) => `${path}${replaces ? " replaces" : ""}`), update, asked };
};
