import { renderToStaticMarkup } from 'react-dom/server';
import { Welcome } from '~/templates';

export const render = (name: string, items: string[]): string => renderToStaticMarkup(<Welcome name={name} items={items} />);
