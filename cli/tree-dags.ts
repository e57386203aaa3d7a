/** The commands of DAGs. */
import type { Command } from "commander";
import { jsonOption, stackOption, type Found } from "./tree-deployments";

export function addDags(program: Command, found: Found): void {
  const dag = program.command("dag").description("DAGs of the stack's Airflow");
  dag
    .command("list")
    .description("the DAGs, and the files that hold none because of an error")
    .addOption(stackOption())
    .addOption(jsonOption())
    .action((given: { stack: string; json: boolean }) => found({ command: "dag", action: "list", ...given }));
  dag
    .command("run")
    .description("start a run of a DAG and follow its tasks to the end")
    .argument("<dag>", "DAG, as in churn_batch_scoring")
    .option("--conf <json>", "configuration of the run, as a JSON object")
    .option("-q, --quiet", "no logs of tasks that succeed", false)
    .addOption(stackOption())
    .action((name: string, given: { stack: string; conf?: string; quiet: boolean }) =>
      found({ command: "dag", action: "run", dag: name, ...given }),
    );
  dag
    .command("logs")
    .description("tasks of a run and their logs")
    .argument("<dag>", "DAG, as in churn_batch_scoring")
    .argument("[run]", "id of the run (default: the newest)")
    .addOption(stackOption())
    .action((name: string, run: string | undefined, given: { stack: string }) =>
      found({ command: "dag", action: "logs", dag: name, ...given, ...(run ? { run } : {}) }),
    );
}
