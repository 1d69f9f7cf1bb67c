namespace StreamingCnn.Planning;

/// <summary>What a plan is made for: what runs, and where the outputs go.</summary>
internal enum Passes
{
    /// <summary>A step, forwards and backwards, whose outputs and their gradients are tensors.</summary>
    Both,

    /// <summary>A forward pass that nothing follows, whose outputs are tensors.</summary>
    ForwardIntoTensors,

    /// <summary>A forward pass that nothing follows, whose outputs are handed out by rows of tiles.</summary>
    ForwardIntoSinks,
}
