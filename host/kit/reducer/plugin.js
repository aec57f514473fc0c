// {{name}}
