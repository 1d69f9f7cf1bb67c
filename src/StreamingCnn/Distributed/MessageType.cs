namespace StreamingCnn.Distributed;

/// <summary>What a message is made of.</summary>
public enum MessageType
{
    /// <summary>Bytes of any meaning; they cannot be added up.</summary>
    Byte,

    /// <summary>64-bit integers.</summary>
    Int64,

    /// <summary>32-bit floating-point numbers.</summary>
    Single,

    /// <summary>64-bit floating-point numbers.</summary>
    Double,
}
