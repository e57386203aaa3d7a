/** What runs, what a stack has deployed, which alerts are open, which batches there were, and what no stack declares. */
import type { DoorRecord } from "../../local/cloud/door/client-environment";
import { findCloud } from "../cloud-process";
import { asClient, type Context } from "../context";
import { readDeployed } from "../deployed";
import { listAll } from "../google";
import { findAll, noneOfDisabled, undeclared, type Found } from "../leftovers";
import { LOCAL_STACK } from "../lab";
import { recordedOnly } from "../recorded";
import { faint, good, heading, table } from "../terminal";

export async function status(request: { stack: string; json: boolean }, context: Context): Promise<number> {
  const { lab, terminal } = context;
  const door = findCloud(lab);
  if (request.stack === LOCAL_STACK && !door) {
    terminal.line(request.json ? JSON.stringify({ cloud: null }) : "The loopback cloud does not run. npx sparklab up");
    return 0;
  }
  return asClient(context, request.stack, async () => {
    const seen = await look(request.stack, door, context);
    terminal.line(request.json ? JSON.stringify(seen, null, 2) : textOf(seen));
    return 0;
  });
}

async function look(stack: string, door: DoorRecord | undefined, { lab }: Context) {
  const deployed = await readDeployed(lab, stack);
  const { project = lab.project, region = lab.region } = (deployed.outputs ?? {}) as {
    project?: string;
    region?: string;
  };
  const found = await findAll(project, region);
  return {
    cloud: door ?? null,
    stack,
    resources: deployed.byType,
    recordedOnly: stack === LOCAL_STACK ? recordedOnly(Object.keys(deployed.byType)) : {},
    alerts: await openAlerts(project),
    undeclared: undeclared(found, new Set(deployed.ids)),
  };
}

interface Alert {
  openTime: string;
  policy: { displayName: string };
  resource?: { type: string; labels?: Record<string, string> };
}

const openAlerts = (project: string) => {
  const filter = encodeURIComponent('state="OPEN"');
  const url = `https://monitoring.googleapis.com/v3/projects/${project}/alerts?filter=${filter}`;
  return listAll<Alert>(url, "alerts").catch(noneOfDisabled);
};

/** What an alert is about: the resource's own label, not where it is. */
function alertRow({ openTime, policy, resource }: Alert): string[] {
  const places = ["project_id", "resource_container", "location"];
  const labels = Object.entries(resource?.labels ?? {}).filter(([label]) => !places.includes(label));
  return [policy.displayName, labels.map(([, value]) => value).join(" ") || (resource?.type ?? ""), openTime];
}

function textOf({ cloud, stack, resources, recordedOnly: recorded, alerts, undeclared: others }: Seen): string {
  const types = Object.entries(resources);
  const number = types.reduce((sum, [, count]) => sum + count, 0);
  return [
    ...(cloud
      ? [`${heading("Cloud")}  ${good("running")} on ${cloud.proxy}, process ${cloud.pid}, since ${cloud.startedAt}\n`]
      : []),
    `${heading(`Stack ${stack}`)}  ${number === 0 ? "nothing is deployed" : `${number} resources`}`,
    ...(number > 0 ? [table(["type", "count"], types)] : []),
    ...section("Open alerts", ["policy", "opened by", "since"], alerts.map(alertRow)),
    ...section("Recorded here, without the work behind it", ["type", "what is missing"], Object.entries(recorded)),
    `\n${heading("In the project, not declared by this stack")}`,
    others.length === 0 ? faint("  nothing") : byKind(others),
  ].join("\n");
}

const section = (title: string, columns: string[], rows: string[][]) =>
  rows.length > 0 ? [`\n${heading(title)}`, table(columns, rows)] : [];

type Seen = Awaited<ReturnType<typeof look>>;

function byKind(found: readonly Found[]): string {
  const rows = new Map<string, { names: string[]; why: string }>();
  for (const { kind, name, why } of found) {
    const row = rows.get(kind) ?? { names: [], why };
    row.names.push(name);
    rows.set(kind, row);
  }
  return table(
    ["kind", "count", "names", "why"],
    [...rows].map(([kind, { names, why }]) => [kind, names.length, shorten(names), why]),
  );
}

function shorten(names: readonly string[], most = 3): string {
  return names.length <= most ? names.join(", ") : `${names.slice(0, most).join(", ")} and ${names.length - most} more`;
}
