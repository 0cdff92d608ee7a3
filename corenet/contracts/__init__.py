"""What a component promises: Module, Loss, Optimizer, Parameter, and Sequential."""
