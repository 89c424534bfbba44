import { createHash } from 'node:crypto';
import { formatJson } from '../../../ground/terminal/format-json.ts';
import { type RuleResult, ruleTexts } from '../../../workflow/gate-image.ts';
import type { ShownVerdict } from './report.ts';

/** SARIF 2.1.0: one run per image, one rule per code that has something to say. */
export function renderSarif({ verdict }: ShownVerdict): string {
  return formatJson({
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: verdict.components.map(({ name, containerImage, violations, warnings, trouble }) => {
      const codes = [...new Set([...violations, ...warnings].map(({ code }) => code))];
      return {
        tool: {
          driver: {
            name: 'cascadeguard',
            informationUri: 'https://cascadeguard.dev',
            rules: codes.map(toRule),
          },
        },
        automationDetails: { id: `cg/gate/${name}/` },
        invocations: [
          {
            executionSuccessful: trouble === undefined,
            ...(trouble !== undefined && {
              toolExecutionNotifications: [{ level: 'error', message: { text: trouble.message } }],
            }),
          },
        ],
        results: [
          ...violations.map(result => toResult(result, 'error', containerImage, codes)),
          ...warnings.map(result => toResult(result, 'warning', containerImage, codes)),
        ],
      };
    }),
  });
}

function toRule(code: string): object {
  const text = ruleTexts[code];
  return {
    id: code,
    ...(text !== undefined && {
      shortDescription: { text: text.title },
      fullDescription: { text: text.description },
      help: { text: text.solution },
    }),
  };
}

function toResult(result: RuleResult, level: string, image: string, codes: readonly string[]): object {
  const { code, message, term, wanted, got } = result;
  const details = [
    message,
    ...(wanted === undefined ? [] : [`Wanted: ${wanted}`]),
    ...(got === undefined ? [] : [`Got: ${got}`]),
  ].join('\n');
  const key = createHash('sha256')
    .update(JSON.stringify([image.replace(/@.*$/, ''), code, term ?? '']))
    .digest('hex');
  return {
    ruleId: code,
    ruleIndex: codes.indexOf(code),
    level,
    message: { text: details },
    locations: [
      {
        physicalLocation: { artifactLocation: { uri: encodeURI(image) }, region: { startLine: 1 } },
        logicalLocations: [{ fullyQualifiedName: image }],
      },
    ],
    partialFingerprints: { 'cgGate/v1': key },
  };
}
