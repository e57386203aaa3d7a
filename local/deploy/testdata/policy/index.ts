/** Policies over files: one that advises, one that forbids, one over the whole stack. */
import { PolicyPack } from "@pulumi/policy";

const FILE = "files:index:File";

new PolicyPack(
  "trial",
  {
    policies: [
      {
        name: "tagged",
        description: "Files should have tags.",
        enforcementLevel: "advisory",
        validateResource: ({ type, props }, reportViolation) => {
          if (type === FILE && props.tags === undefined) reportViolation("Add tags.");
        },
      },
      {
        name: "no-forbidden-words",
        description: "Files must not hold forbidden words.",
        enforcementLevel: "mandatory",
        configSchema: { properties: { word: { type: "string", default: "forbidden" } } },
        validateResource: ({ type, props, getConfig }, reportViolation) => {
          const { word } = getConfig<{ word: string }>();
          if (type === FILE && String(props.content).includes(word)) reportViolation(`It holds "${word}".`);
        },
      },
      {
        name: "few-files",
        description: "A stack has few files.",
        enforcementLevel: "mandatory",
        validateStack: ({ resources }, reportViolation) => {
          const files = resources.filter(({ type, parent }) => type === FILE && parent !== undefined);
          if (files.length > 2) reportViolation(`It has ${files.length}.`);
        },
      },
    ],
  },
  { "no-forbidden-words": { enforcementLevel: "mandatory", word: "secretive" } },
);
