export * from './shape';
export { Square } from './square';
