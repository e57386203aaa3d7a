/** Prints the profiles, each with the features that it switches on. */
import { FEATURE_NAMES, FEATURES, PROFILE_NAMES, PROFILES, featuresOf } from "../../stacks/config/features";
import type { Context } from "../context";
import { EXIT } from "../exit-codes";
import { heading, table } from "../terminal";

export async function profiles({ json }: { json: boolean }, { terminal }: Context): Promise<number> {
  const features = new Map(PROFILE_NAMES.map((name) => [name, featuresOf(name, {})]));
  if (json) {
    terminal.line(JSON.stringify({ profiles: Object.fromEntries(features), features: FEATURES }, null, 2));
    return EXIT.done;
  }
  for (const name of PROFILE_NAMES) terminal.line(`${heading(name)}  ${PROFILES[name].description}`);
  terminal.line();
  const rows = FEATURE_NAMES.map((feature) => [
    feature,
    ...PROFILE_NAMES.map((name) => (features.get(name)?.[feature] ? "on" : "")),
    FEATURES[feature].adds,
  ]);
  terminal.line(table(["feature", ...PROFILE_NAMES, "adds"], rows));
  terminal.line(
    "\nA profile: pulumi config set sparklab:profile <name>. One feature: pulumi config set sparklab:<feature> true",
  );
  return EXIT.done;
}
