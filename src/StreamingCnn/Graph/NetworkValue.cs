using StreamingCnn.Graph;

namespace StreamingCnn;

/// <summary>
/// What a traced network computes: a map, which has a value at each position, or a small tensor, which depends on whole maps.
/// </summary>
public abstract class NetworkValue
{
    private protected NetworkValue(Tracing builder) => Builder = builder;

    internal Tracing Builder { get; }
}
