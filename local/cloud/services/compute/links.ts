/** Links between resources of Compute Engine: from any way to write one to the full URL, and who holds one. */
import type { Cloud } from "../../cloud";
import { ApiError } from "../../errors";
import type { Json, JsonObject } from "../../service";

const ROOT = "https://www.googleapis.com/compute/v1/";

/** Both versions of the API are answered with links of v1. */
export const linkTo = (name: string) => `${ROOT}${name}`;

/** `projects/p/...` of a link in any of its forms: URL of any version, with number or id, or relative to the project. */
export function nameIn(link: string, { project }: Cloud): string {
  const path = link.replace(/^https:\/\/(www|compute)\.googleapis\.com\/(compute\/)?(v1|beta)\//, "");
  const whole = path.startsWith("projects/") ? path : `projects/${project.id}/${path}`;
  return whole.replace(/^projects\/[^/]+/, (head) =>
    head === `projects/${project.number}` ? `projects/${project.id}` : head,
  );
}

/** The full URL of the resource that a field means; refused in Compute's words where there is none. */
export async function resolveLink(field: string, link: string, cloud: Cloud): Promise<string> {
  const name = nameIn(link, cloud);
  if (await cloud.store.get(name)) return linkTo(name);
  throw invalidField(
    field,
    link,
    `The referenced ${name.split("/").at(-2)?.replace(/s$/, "")} resource cannot be found.`,
  );
}

export const invalidField = (field: string, value: string, why: string) =>
  new ApiError(
    "INVALID_ARGUMENT",
    `Invalid value for field 'resource.${field}': '${value}'. ${why}`,
    [],
    400,
    "invalid",
  );

/** Names of the resources that hold a link to this one. */
export async function usersOf(name: string, cloud: Cloud): Promise<string[]> {
  const { id, number } = cloud.project;
  const link = linkTo(name);
  const prefixes = ["global", "regions", "locations"].map((place) => `projects/${id}/${place}/`);
  const entries = (await Promise.all(prefixes.map((prefix) => cloud.store.list(prefix)))).flat();
  // Other services than Compute's keep names.
  const holders = entries
    .filter(({ key, value }) => key !== name && isMachine(key, value) && (holds(value, link) || holds(value, name)))
    .map(({ key }) => key);
  // Peerings of service producers keep the network by the project's number.
  const byNumber = name.replace(`projects/${id}/`, `projects/${number}/`);
  const peerings = await cloud.store.list(PEERINGS);
  const peers = peerings.some(
    ({ value }) => value.network === byNumber || ranges(value).includes(name.split("/").at(-1)!),
  )
    ? [`${name.split("/").slice(0, 3).join("/")}/peerings/servicenetworking-googleapis-com`]
    : [];
  return [...holders, ...peers];
}

/** Of what lies in a location, only what runs machines holds a network: no template, no batch that has ended. */
function isMachine(key: string, { state }: JsonObject): boolean {
  const [, kind = ""] = /\/locations\/[^/]+\/([^/]+)\//.exec(key) ?? [];
  if (kind === "" || kind === "instances" || kind === "environments") return true;
  return kind === "batches" && (state === "PENDING" || state === "RUNNING");
}

/** Where servicenetworking keeps its connections. */
export const PEERINGS = "servicenetworking/connections/";
const ranges = (value: JsonObject) => (Array.isArray(value.reservedPeeringRanges) ? value.reservedPeeringRanges : []);

function holds(value: Json, link: string): boolean {
  if (typeof value === "string") return value === link;
  if (typeof value !== "object" || value === null) return false;
  return Object.values(value).some((item) => holds(item, link));
}
