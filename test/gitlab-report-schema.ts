const text = { type: 'string', minLength: 1 };
const time = { type: 'string', pattern: String.raw`^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}$` };
const exactly = (properties: Readonly<Record<string, object>>) => ({
  type: 'object',
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
});
const tool = exactly({ id: text, name: text, version: text, vendor: exactly({ name: text }) });
const url = { type: 'string', pattern: '^https://' };
const image = {
  type: 'string',
  maxLength: 255,
  pattern: String.raw`^[A-Za-z0-9/_.-]+(:\d+[A-Za-z0-9/_.-]*)?:[A-Za-z0-9_.-]+$`,
};

/** What GitLab demands of a report of container scanning, version 15, and nothing besides what we write. */
export const gitlabSchema = exactly({
  version: { type: 'string', pattern: String.raw`^15\.\d+\.\d+$` },
  scan: exactly({
    type: { const: 'container_scanning' },
    status: { enum: ['success', 'failure'] },
    start_time: time,
    end_time: time,
    analyzer: tool,
    scanner: tool,
  }),
  vulnerabilities: {
    type: 'array',
    items: exactly({
      id: text,
      name: { ...text, maxLength: 255 },
      description: text,
      severity: { enum: ['Info', 'Unknown', 'Low', 'Medium', 'High', 'Critical'] },
      solution: { ...text, maxLength: 7000 },
      identifiers: {
        type: 'array',
        minItems: 1,
        maxItems: 20,
        items: exactly({ type: text, name: text, value: text, url }),
      },
      links: { type: 'array', items: exactly({ url }) },
      location: exactly({
        dependency: exactly({ package: exactly({ name: text }), version: text }),
        operating_system: text,
        image,
        default_branch_image: image,
      }),
    }),
  },
});
