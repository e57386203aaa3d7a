/** Commands of notebooks. */
import type { Command } from "commander";
import type { NotebookRequest, NotebookRunRequest, PromoteRequest } from "./requests";
import { stackOption, type Found } from "./tree-deployments";

export function addNotebooks(program: Command, found: Found): void {
  const notebook = program
    .command("notebook")
    .enablePositionalOptions()
    .description("JupyterLab in a session made from the lab's session template; ends the session when it is closed")
    .argument("[notebooks...]", "with --execute: those to run (default: all)")
    .addOption(stackOption())
    .option("--template <name>", "session template (default: the stack's own for notebooks)")
    .option("--execute", "run notebooks from top to bottom instead, and keep them with what they show", false)
    .action((notebooks: string[], given: Omit<NotebookRequest, "command" | "notebooks">) =>
      found({ command: "notebook", notebooks, ...given }),
    );
  notebook
    .command("run")
    .description(
      "run a lesson of the stack from top to bottom as a batch, as its schedule does, and keep what it shows",
    )
    .argument("<notebook>", "name, as in 01-explore")
    .addOption(stackOption())
    .option("-p, --parameter <name=value>", "value of a variable of the notebook; may be repeated", collected)
    .action((notebook: string, given: Omit<NotebookRunRequest, "command" | "notebook">) =>
      found({ command: "notebook run", notebook, ...given }),
    );
  program
    .command("promote")
    .description("make a batch job of a notebook's tagged cells: its file, its entry in the catalogue, a DAG")
    .argument("<notebook>", "file, as in notebooks/02-preprocess.ipynb")
    .option("--force", "write over files that were changed by hand", false)
    .action((notebook: string, given: Omit<PromoteRequest, "command" | "notebook">) =>
      found({ command: "promote", notebook, ...given }),
    );
}

const collected = (value: string, before: readonly string[] = []) => [...before, value];
