import type { RegistryOptions } from '../src/image/oci/server/options.ts';
import { startRegistry } from '../src/image/oci/server/start-registry.ts';

const options = JSON.parse(process.argv[2] ?? '{}') as RegistryOptions;
const registry = await startRegistry({ ...options, onProblem: error => console.error(error) });
process.on('message', () => void registry.collectGarbage().catch(console.error));
// Not even a test that was itself killed leaves a registry behind.
process.on('disconnect', () => process.exit(0));
process.send?.(registry.url);
