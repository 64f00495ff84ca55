import { PropsWithChildren } from 'react';

export type LayoutProps = PropsWithChildren<{ title: string }>;

export const Layout = ({ title, children }: LayoutProps) => (
  <html lang="en">
    <body style={{ color: '#111' }}>
      <h1>{title}</h1>
      {children}
    </body>
  </html>
);
