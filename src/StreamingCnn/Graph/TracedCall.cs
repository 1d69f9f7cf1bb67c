using static TorchSharp.torch.nn;

namespace StreamingCnn.Graph;

/// <summary>
/// A module that was taken apart into others while a network was traced: a block, a head, a norm or pooling of whole maps.
/// </summary>
/// <param name="Module">The module.</param>
/// <param name="Path">Its path.</param>
/// <param name="Input">Index of the map that it was applied to.</param>
/// <param name="Output">What it gave.</param>
internal sealed record TracedCall(Module Module, string Path, int Input, TracedOutput Output);
