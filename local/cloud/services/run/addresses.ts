/**
 * Addresses of services and functions. Source: https://cloud.google.com/run/docs/triggering/https-request and
 * https://cloud.google.com/functions/docs/calling/http
 */
import { createHash } from "node:crypto";
import type { Cloud } from "../../cloud";

/** Codes of regions in the older form of addresses; other regions have the newer form alone. */
const CODES: Readonly<Record<string, string>> = {
  "us-central1": "uc",
  "us-east1": "ue",
  "us-east4": "uk",
  "us-west1": "uw",
  "europe-west1": "ew",
  "europe-west4": "ez",
  "asia-northeast1": "an",
};
const LETTERS = "abcdefghijklmnopqrstuvwxyz234567";

/** Both addresses of a service, the one that Google shows as `uri` first. */
export function serviceUrls(name: string, cloud: Cloud): string[] {
  const [, , , region = "", , service = ""] = name.split("/");
  const code = CODES[region];
  const newer = `https://${service}-${cloud.project.number}.${region}.run.app`;
  return code ? [`https://${service}-${hashOf(region, cloud)}-${code}.a.run.app`, newer] : [newer];
}

/** Ten letters that are the same for all services of a project in a region. */
function hashOf(region: string, { project }: Cloud): string {
  const digest = createHash("sha256").update(`${project.number}/${region}`).digest();
  return [...digest.subarray(0, 10)].map((byte) => LETTERS[byte % LETTERS.length]).join("");
}

export function functionUrl(name: string, cloud: Cloud): string {
  const [, , , region = "", , id = ""] = name.split("/");
  return `https://${region}-${cloud.project.id}.cloudfunctions.net/${id}`;
}
