# {{name}}
