/** The stack's state: listed, shown, taken away, put back. */
import { readFileSync } from "node:fs";
import writeFileAtomic from "write-file-atomic";
import { importStack } from "../../local/deploy";
import type { Context } from "../context";
import { findResource, nameOf, readState, resourcesOf, stateSchema } from "../deployment-state";
import { EXIT } from "../exit-codes";
import { openStack } from "../google-cloud/pulumi";
import { LOCAL_STACK, UserError } from "../lab";
import type { StateRequest } from "../requests";
import { faint, table } from "../terminal";

export async function state(request: StateRequest, context: Context): Promise<number> {
  switch (request.action) {
    case "list":
      return list(request, context);
    case "show":
      return show(request, context);
    case "export":
      return exportTo(request, context);
    case "import":
      return importFrom(request, context);
  }
}

type Of<A extends StateRequest["action"]> = Extract<StateRequest, { action: A }>;

async function list({ stack, json }: Of<"list">, { lab, terminal }: Context): Promise<number> {
  const resources = resourcesOf(await readState(lab, stack));
  if (json)
    terminal.line(
      JSON.stringify(
        resources.map(({ urn, type, id }) => ({ urn, type, id: id ?? null })),
        null,
        2,
      ),
    );
  else if (resources.length === 0) terminal.line(faint("nothing is deployed"));
  else
    terminal.line(
      table(
        ["type", "name"],
        resources.map(({ urn, type }) => [type, nameOf(urn)]),
      ),
    );
  return EXIT.done;
}

async function show({ stack, urn, showSecrets }: Of<"show">, { lab, terminal }: Context): Promise<number> {
  terminal.line(JSON.stringify(findResource(resourcesOf(await readState(lab, stack, showSecrets)), urn), null, 2));
  return EXIT.done;
}

async function exportTo({ stack, file, showSecrets }: Of<"export">, { lab, terminal }: Context): Promise<number> {
  const text = `${JSON.stringify(await readState(lab, stack, showSecrets), null, 4)}\n`;
  if (!file) terminal.raw(text);
  else {
    await writeFileAtomic(file, text, { mode: 0o600 });
    terminal.note(`State of stack ${stack} is in ${file}`);
  }
  return EXIT.done;
}

async function importFrom({ stack, file, yes }: Of<"import">, { lab, terminal }: Context): Promise<number> {
  const text = readGiven(file);
  const given = checked(file, text);
  if (!yes && terminal.isInteractive && !(await terminal.ask(`Replace the whole state of stack ${stack}?`))) {
    terminal.note("Nothing was changed.");
    return EXIT.wrong;
  }
  if (stack === LOCAL_STACK) await importStack({ lab: lab.folder, stack }, text);
  else await (await openStack(lab, stack)).importStack(given);
  terminal.note(`Stack ${stack} has the state of ${file}`);
  return EXIT.done;
}

function readGiven(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw wrong(file, (error as Error).message);
  }
}

/** @throws UserError with every problem of the file */
function checked(file: string, text: string) {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch (error) {
    throw wrong(file, (error as Error).message);
  }
  const result = stateSchema.safeParse(raw);
  if (result.success) return result.data;
  throw wrong(
    file,
    result.error.issues.map((issue) => `${issue.path.join(".") || "content"}: ${issue.message}`).join("; "),
  );
}

const wrong = (file: string, problem: string) =>
  new UserError(`State file ${file}: ${problem}; expected what \`npx sparklab state export\` writes.`);
