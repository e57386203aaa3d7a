/**
 * What clients read of Compute Engine before they begin: regions, zones and the project. The regions are those whose
 * regional endpoints Compute's own description lists.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Cloud } from "../../cloud";
import { pageOf } from "../../engine/list";
import { ApiError } from "../../errors";
import { textOf } from "../../json";
import type { Behaviour, Call, Json, JsonObject } from "../../service";

/** Zones are a, b and c but for these. Source: https://cloud.google.com/compute/docs/regions-zones */
const ZONES: Readonly<Record<string, string>> = { "us-central1": "abcf", "us-east1": "bcd", "europe-west1": "bcd" };

export function placeMethods(version: "v1" | "beta"): Record<string, Behaviour> {
  const root = `https://www.googleapis.com/compute/${version}`;
  const link = (cloud: Cloud, path: string) => `${root}/projects/${cloud.project.id}/${path}`;
  const region = (name: string, cloud: Cloud): JsonObject => ({
    ...entry("region", name),
    zones: zonesOf(name).map((zone) => link(cloud, `zones/${zone}`)),
    selfLink: link(cloud, `regions/${name}`),
  });
  const zone = (name: string, cloud: Cloud): JsonObject => ({
    ...entry("zone", name),
    region: link(cloud, `regions/${name.slice(0, -2)}`),
    selfLink: link(cloud, `zones/${name}`),
  });
  return {
    "compute.projects.get": (_call, cloud) => readProject(cloud, root),
    "compute.regions.list": async (call, cloud) => {
      const items = regionsOf(cloud).map((name) => region(name, cloud));
      return {
        kind: "compute#regionList",
        id: `projects/${cloud.project.id}/regions`,
        selfLink: link(cloud, "regions"),
        ...page(items, call),
      };
    },
    "compute.zones.list": async (call, cloud) => {
      const items = regionsOf(cloud)
        .flatMap(zonesOf)
        .map((name) => zone(name, cloud));
      return {
        kind: "compute#zoneList",
        id: `projects/${cloud.project.id}/zones`,
        selfLink: link(cloud, "zones"),
        ...page(items, call),
      };
    },
    "compute.regions.get": async (call, cloud) =>
      region(known("region", call.path.region, regionsOf(cloud), cloud), cloud),
    "compute.zones.get": async (call, cloud) =>
      zone(known("zone", call.path.zone, regionsOf(cloud).flatMap(zonesOf), cloud), cloud),
  };
}

const entry = (kind: string, name: string): JsonObject => ({
  kind: `compute#${kind}`,
  id: (createHash("sha256").update(`${kind}/${name}`).digest().readBigUInt64BE() >> 1n).toString(),
  name,
  description: name,
  status: "UP",
});

const zonesOf = (region: string) => [...(ZONES[region] ?? "abc")].map((letter) => `${region}-${letter}`);

const regions = new Map<string, string[]>();

export function regionsOf({ descriptions }: Cloud): string[] {
  const read = () => {
    const text = readFileSync(join(descriptions, "compute.v1.json"), "utf8");
    return [...text.matchAll(/"location": "([a-z]+-[a-z]+\d+)"/g)].map((match) => match[1]!);
  };
  const known = regions.get(descriptions) ?? [...new Set(read())].sort();
  regions.set(descriptions, known);
  return known;
}

function known(kind: string, name: string | undefined, names: readonly string[], cloud: Cloud): string {
  if (name !== undefined && names.includes(name)) return name;
  const message = `The resource 'projects/${cloud.project.id}/${kind}s/${name}' was not found`;
  throw new ApiError("NOT_FOUND", message, [], 404, "notFound");
}

function page(items: JsonObject[], call: Call): JsonObject {
  const { items: part, nextPageToken } = pageOf(
    items.map((value) => ({ key: textOf(value.name), value })),
    call,
  );
  return { items: part, ...(nextPageToken && { nextPageToken }) };
}

async function readProject({ project }: Cloud, root: string): Promise<Json> {
  return {
    kind: "compute#project",
    id: project.number,
    name: project.id,
    defaultNetworkTier: "PREMIUM",
    xpnProjectStatus: "UNSPECIFIED_XPN_PROJECT_STATUS",
    selfLink: `${root}/projects/${project.id}`,
  };
}
