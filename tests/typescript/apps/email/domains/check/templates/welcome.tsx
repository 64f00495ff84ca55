import { FC } from 'react';
import { Layout } from './layout';

interface Props {
  name: string;
  items: readonly string[];
}

export const Welcome: FC<Props> = ({ name, items }) => (
  <Layout title={`Welcome, ${name}`}>
    <ul>
      {items.map((item) => (
        <li key={item}>{item}</li>
      ))}
    </ul>
    <>
      &copy; Fulcrum
    </>
  </Layout>
);
