/** What runs, what a stack has deployed, which batches there were, and what no stack declares. */
import { findCloud } from "../cloud-process";
import { asClient, type Context } from "../context";
import { readDeployed } from "../deployed";
import { findAll, undeclared, type Found } from "../leftovers";
import { LOCAL_STACK } from "../lab";
import { faint, good, heading, table } from "../terminal";

export async function status(request: { stack: string; json: boolean }, context: Context): Promise<number> {
  const { lab, terminal } = context;
  const door = findCloud(lab);
  if (request.stack === LOCAL_STACK && !door) {
    terminal.line(request.json ? JSON.stringify({ cloud: null }) : "The loopback cloud does not run. npx sparklab up");
    return 0;
  }
  return asClient(context, request.stack, async () => {
    const resources = await readDeployed(lab, request.stack);
    const { project = lab.project, region = lab.region } = (resources.outputs ?? {}) as {
      project?: string;
      region?: string;
    };
    const found = await findAll(project, region);
    const others = undeclared(found, new Set(resources.ids));
    if (request.json) {
      terminal.line(
        JSON.stringify(
          { cloud: door ?? null, stack: request.stack, resources: resources.byType, undeclared: others },
          null,
          2,
        ),
      );
      return 0;
    }
    if (door)
      terminal.line(
        `${heading("Cloud")}  ${good("running")} on ${door.proxy}, process ${door.pid}, since ${door.startedAt}`,
      );
    terminal.line(
      `\n${heading(`Stack ${request.stack}`)}  ${resources.ids.length === 0 ? "nothing is deployed" : `${resources.ids.length} resources`}`,
    );
    if (resources.ids.length > 0) terminal.line(table(["type", "count"], Object.entries(resources.byType)));
    terminal.line(`\n${heading("In the project, not declared by this stack")}`);
    terminal.line(others.length === 0 ? faint("  nothing") : byKind(others));
    return 0;
  });
}

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
