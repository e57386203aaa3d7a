/** Registrations as goals. A field that is set and not implemented is an error, never ignored. */
import type { Alias as AliasMessage } from "@pulumi/pulumi/proto/alias_pb";
import type { ReadResourceRequest, RegisterResourceRequest } from "@pulumi/pulumi/proto/resource_pb";
import { pathToFileURL } from "node:url";
import { allProblems } from "./errors";
import { compact, type Goal } from "./goal";
import type { Alias } from "./urn";

export function readGoal(request: RegisterResourceRequest, root: string): Goal {
  const what = `${request.getName()} [${request.getType()}]`;
  refuseUnimplemented(what, {
    "remote components": request.getRemote(),
    import: request.getImportid() !== "",
    transforms: request.getTransformsList().length > 0,
    replaceWith: request.getReplaceWithList().length > 0,
    replacementTrigger: request.hasReplacementTrigger(),
    "resource hooks":
      request.hasHooks() && Object.values(request.getHooks()?.toObject() ?? {}).some((list) => list.length > 0),
    pluginDownloadURL: request.getPlugindownloadurl() !== "",
    "plugin checksums": request.getPluginchecksumsMap().getLength() > 0,
    "parameterized packages": request.getPackageref() !== "",
    hideDiffs: request.getHidediffsList().length > 0,
    envVarMappings: request.getEnvvarmappingsMap().getLength() > 0,
    "aliases without their specification": !request.getAliasspecs() && request.getAliasesList().length > 0,
  });
  return {
    type: request.getType(),
    name: request.getName(),
    custom: request.getCustom(),
    properties: request.getObject()?.toJavaScript() ?? {},
    parent: request.getParent() || undefined,
    protect: request.hasProtect() ? request.getProtect() : undefined,
    dependencies: request.getDependenciesList(),
    propertyDependencies: propertyDependencies(request),
    provider: request.getProvider() || undefined,
    providers: Object.fromEntries(request.getProvidersMap().toArray()),
    version: request.getVersion() || undefined,
    deleteBeforeReplace: request.getDeletebeforereplacedefined() ? request.getDeletebeforereplace() : undefined,
    ignoreChanges: request.getIgnorechangesList(),
    replaceOnChanges: request.getReplaceonchangesList(),
    additionalSecretOutputs: request.getAdditionalsecretoutputsList(),
    aliases: [...request.getAliasesList().map(readAlias), ...request.getAliasurnsList().map((urn) => ({ urn }))],
    customTimeouts: timeouts(request, what),
    retainOnDelete: request.hasRetainondelete() ? request.getRetainondelete() : undefined,
    deletedWith: request.getDeletedwith() || undefined,
    sourcePosition: sourcePosition(request, root),
  };
}

export function readReadGoal(request: ReadResourceRequest): Goal {
  refuseUnimplemented(`${request.getName()} [${request.getType()}]`, {
    pluginDownloadURL: request.getPlugindownloadurl() !== "",
    "parameterized packages": request.getPackageref() !== "",
  });
  return {
    type: request.getType(),
    name: request.getName(),
    custom: true,
    properties: request.getProperties()?.toJavaScript() ?? {},
    parent: request.getParent() || undefined,
    dependencies: request.getDependenciesList(),
    propertyDependencies: {},
    provider: request.getProvider() || undefined,
    providers: {},
    version: request.getVersion() || undefined,
    ignoreChanges: [],
    replaceOnChanges: [],
    additionalSecretOutputs: request.getAdditionalsecretoutputsList(),
    aliases: [],
    customTimeouts: {},
  };
}

function refuseUnimplemented(what: string, used: Record<string, boolean>): void {
  const problems = Object.keys(used).filter((name) => used[name]);
  if (problems.length > 0)
    throw allProblems(
      what,
      problems.map((name) => `${name}: cannot be used here`),
    );
}

/** Every input has an entry, empty where it depends on nothing, as the runtime sends it. */
function propertyDependencies(request: RegisterResourceRequest): Record<string, string[]> {
  const entries = request.getPropertydependenciesMap().toArray() as unknown as [string, unknown][];
  const map = request.getPropertydependenciesMap();
  return Object.fromEntries(
    entries
      .map(([key]) => [key, (map.get(key)?.getUrnsList() ?? []).sort()] as const)
      .filter(([, urns]) => urns.length > 0),
  );
}

function readAlias(alias: AliasMessage): Alias {
  const spec = alias.getSpec();
  if (!spec) return { urn: alias.getUrn() };
  return {
    name: spec.getName() || undefined,
    type: spec.getType() || undefined,
    stack: spec.getStack() || undefined,
    project: spec.getProject() || undefined,
    parent: spec.getParenturn() || undefined,
    noParent: spec.getNoparent(),
  };
}

const UNITS: Readonly<Record<string, number>> = { ns: 1e-9, us: 1e-6, µs: 1e-6, ms: 1e-3, s: 1, m: 60, h: 3600 };

/** Go's durations (`1h30m`) as seconds. */
function timeouts(request: RegisterResourceRequest, what: string): Goal["customTimeouts"] {
  const given = request.getCustomtimeouts();
  const seconds = (name: string, text: string | undefined): number | undefined => {
    if (!text) return undefined;
    const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g)];
    if (parts.map(([part]) => part).join("") !== text)
      throw allProblems(what, [`customTimeouts.${name}: got "${text}"; expected a duration such as 10m or 1h30m`]);
    return parts.reduce((sum, [, count, unit]) => sum + Number(count) * (UNITS[unit ?? ""] ?? 0), 0);
  };
  return compact({
    create: seconds("create", given?.getCreate()),
    update: seconds("update", given?.getUpdate()),
    delete: seconds("delete", given?.getDelete()),
    read: seconds("read", given?.getRead()),
  });
}

/** `project:///stacks/lake.ts#12,3`; places outside the project are left out. */
function sourcePosition(request: RegisterResourceRequest, root: string): string | undefined {
  const position = request.getSourceposition();
  const base = `${pathToFileURL(root).href}/`;
  if (!position?.getUri().startsWith(base)) return undefined;
  const column = position.getColumn();
  return `project:///${position.getUri().slice(base.length)}#${position.getLine()}${column ? `,${column}` : ""}`;
}
