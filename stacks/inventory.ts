/** What an environment declares, as a document that a person reviews as a diff. */
import { parse, stringify } from "yaml";
import { readFileSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import type { Recording } from "../components/record";
import { parseConfig, type LabConfig } from "./config";

/** Inputs worth a reviewer's eye, by the last part of the type: identity, security, retention, grants. */
const SHOWN: Record<string, readonly string[]> = {
  Service: ["service", "disableOnDestroy"],
  Account: ["accountId"],
  IAMCustomRole: ["roleId", "permissions"],
  IAMMember: ["role", "member"],
  BucketIAMMember: ["bucket", "role", "member"],
  DatasetIamMember: ["datasetId", "role", "member"],
  Bucket: ["name", "location", "uniformBucketLevelAccess", "publicAccessPrevention", "forceDestroy", "softDeletePolicy", "lifecycleRules"],
  BucketObject: ["bucket", "name", "contentType"],
  Dataset: ["datasetId", "location", "deleteContentsOnDestroy"],
  Table: ["datasetId", "tableId", "deletionProtection"],
  SessionTemplate: ["name", "location", "runtimeConfig", "jupyterSession", "environmentConfig"],
};

/** The configuration of an environment as its Pulumi.<environment>.yaml and the defaults of Pulumi.yaml give it. */
export function environmentConfig(environment: string): LabConfig {
  const project = parse(readFileSync("Pulumi.yaml", "utf8")) as { config: Record<string, { default: unknown }> };
  const stack = parse(readFileSync(`Pulumi.${environment}.yaml`, "utf8")) as { config: Record<string, unknown> };
  const defaults = Object.fromEntries(Object.entries(project.config).map(([key, { default: value }]) => [key, value]));
  const values = Object.fromEntries(Object.entries(stack.config).map(([key, value]) => [key.replace(/^.*:/, ""), value]));
  return parseConfig({ environment, ...defaults, ...values }, () => true);
}

/** Counts by type, then every resource with the inputs that matter, sorted, as YAML. */
export function inventory(recording: Recording): string {
  const managed = recording.resources.filter(({ type }) => type.startsWith("gcp:"));
  const counts: Record<string, number> = {};
  for (const { type } of managed) counts[type] = (counts[type] ?? 0) + 1;
  const resources = managed
    .map(({ type, name, inputs }) => ({ key: `${type} ${name}`, value: shown(type, inputs) }))
    .sort((a, b) => (a.key < b.key ? -1 : 1));
  return stringify(
    {
      total: managed.length,
      counts: Object.fromEntries(Object.entries(counts).sort()),
      resources: Object.fromEntries(resources.map(({ key, value }) => [key, value])),
    },
    { lineWidth: 0, aliasDuplicateObjects: false },
  );
}

function shown(type: string, inputs: Record<string, unknown>): Record<string, unknown> {
  const keys = SHOWN[type.split(":").at(-1) ?? ""];
  if (!keys) throw new Error(`stacks/inventory.ts: type ${type} has no list of inputs to show; add one to SHOWN`);
  return Object.fromEntries(keys.filter((key) => inputs[key] !== undefined).map((key) => [key, plain(inputs[key])]));
}

/** Assets and archives are shown by what they are, not by their content. */
function plain(value: unknown): unknown {
  return pulumi.asset.Asset.isInstance(value) || pulumi.asset.Archive.isInstance(value) ? value.constructor.name : value;
}
