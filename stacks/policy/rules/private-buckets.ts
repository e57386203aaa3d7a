/** Buckets have one access system and cannot be opened to the public by a mistake in it. */
import { at, shown, type Rule } from "../rule";

export const privateBuckets: Rule = {
  name: "private-buckets",
  description: "Buckets have uniform access and enforce the prevention of public access.",
  check: ({ type, props }) => {
    if (type !== "gcp:storage/bucket:Bucket") return [];
    const [uniform, prevention] = [at(props, "uniformBucketLevelAccess"), at(props, "publicAccessPrevention")];
    return [
      ...(uniform === true ? [] : [`uniformBucketLevelAccess: got ${shown(uniform)}; expected true`]),
      ...(prevention === "enforced" ? [] : [`publicAccessPrevention: got ${shown(prevention)}; expected "enforced"`]),
    ];
  },
};
