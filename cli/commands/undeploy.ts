/** Undeploys what the pipeline has deployed to the stack's endpoint, so that destroy can delete it. */
import type { Context } from "../context";
import { EXIT } from "../exit-codes";
import { LOCAL_STACK, UserError } from "../lab";
import type { UndeployRequest } from "../requests";
import { clientOf, nameOf, servingOf, undeploy as undeployFrom } from "../serving";
import { faint, good } from "../terminal";

export async function undeploy({ stack, yes }: UndeployRequest, context: Context): Promise<number> {
  const { terminal } = context;
  const serving = await servingOf(context, stack);
  const models = serving.flatMap((one) => one.models).map(nameOf);
  if (models.length === 0) {
    terminal.line("No model is deployed.");
    return EXIT.done;
  }
  if (!yes && !terminal.isInteractive && stack !== LOCAL_STACK)
    throw new UserError(`undeploy: no terminal to ask on; expected --yes. npx sparklab undeploy -s ${stack} --yes`);
  if (!yes && terminal.isInteractive && !(await terminal.ask(`Undeploy ${models.join(", ")}?`))) {
    terminal.note("Nothing was changed.");
    return EXIT.wrong;
  }
  for (const one of serving) {
    const gone = (model: string) => terminal.line(`  ${good("undeployed")}  ${model}  ${faint(one.endpoint)}`);
    await terminal.wait("Undeploying", undeployFrom(one, clientOf(context, stack), gone));
  }
  terminal.line("The next run of the pipeline deploys the champion again, as long as sparklab:deployModels says so.");
  return EXIT.done;
}
